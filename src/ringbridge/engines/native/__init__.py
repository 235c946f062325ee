"""The engine of our own: SIP by `ringbridge.sip`, audio by a media relay."""
