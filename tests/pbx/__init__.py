"""ringbridge beside Asterisk and Kamailio, set up as docs/pbx.md says."""
