"""What pages about trunks call things."""

from ringbridge.call.directory import CallerIdPolicy, NumberFormat, Srtp
from ringbridge.call.trunk_state import ProbeOutcome
from ringbridge.portal.language import marked
from ringbridge.portal.words import Badge, Conclusion

NUMBER_FORMATS: dict[NumberFormat, str] = {
    NumberFormat.E164_PLUS: marked("+15125292329: with plus and country code"),
    NumberFormat.E164: marked("15125292329: with country code, without plus"),
    NumberFormat.NATIONAL: marked("5125292329: as dialled in the account's country"),
}

CALLER_IDS: dict[CallerIdPolicy, str] = {
    CallerIdPolicy.FROM: marked("In From"),
    CallerIdPolicy.ASSERTED: marked("In From and in P-Asserted-Identity"),
    CallerIdPolicy.ANONYMOUS_FROM: marked("In P-Asserted-Identity only, and withheld in From"),
}

SRTP: dict[Srtp, str] = {
    Srtp.OFF: marked("Not encrypted"),
    Srtp.OPTIONAL: marked("Encrypted where the carrier can"),
    Srtp.REQUIRED: marked("Encrypted, or no call"),
}

FAULTS = {
    "already_exists": marked("There is a trunk with this name already."),
    "invalid_setting": marked(
        "Lines are reached over this trunk. Give them another way, or remove them, first."
    ),
    "password_of_address": marked("The address is another one: give the password for it, too."),
    "no_name": marked("A name has at least one character that can be seen."),
    "control_characters": marked("This has characters that cannot be shown."),
    "no_sip_address": marked(
        "This is not a SIP address. Write it like sip:sip.example.net or sip:192.0.2.1:5060."
    ),
    "unknown_scheme": marked("Calls go to sip: and sips: addresses only."),
    "no_host": marked("This names no host: an IP address or a host name."),
    "unknown_transport": marked("SIP goes over udp, tcp or tls only."),
    "sips_over_udp": marked("sips: goes over TLS only. Leave out transport=udp."),
    "address_with_password": marked("Write the address without a password: it has a field of its own."),
    "username_and_password": marked("User name and password go together."),
    "registers_without_username": marked("To register takes a user name and a password."),
    "certificate_and_key": marked("Certificate and key go together."),
    "invalid_number_prefix": marked("Up to 16 of 0123456789*#."),
    "prefix_before_plus": marked("A plus comes first: choose another way of writing numbers, or no prefix."),
    "needs_tls": marked("This needs TLS: add ;transport=tls to the address."),
    "invalid_prefix": marked(
        "This is no beginning of a number. Write it with its country code, such as +44."
    ),
    "no_count": marked("Write a whole number."),
}


CONCLUSIONS: dict[ProbeOutcome, Conclusion] = {
    ProbeOutcome.ANSWERED: Conclusion(
        Badge(marked("It answers"), "green"),
        marked(
            "Somebody speaks SIP there. Any answer is a good one: a refusal, too, shows that the way is open."
        ),
    ),
    ProbeOutcome.CONNECTED: Conclusion(
        Badge(marked("It takes connections"), "green"),
        marked("The connection was made; over TLS, its certificate is good. Calls can be sent there."),
    ),
    ProbeOutcome.SILENT: Conclusion(
        Badge(marked("No answer"), "yellow"),
        marked(
            "Some carriers never answer OPTIONS. If calls do not get there: look at the address, and at firewalls between."
        ),
    ),
    ProbeOutcome.REFUSED: Conclusion(
        Badge(marked("Nobody listens"), "red"),
        marked(
            "The machine is there, but nobody listens at this port. Correct the port, or start what should listen there."
        ),
    ),
    ProbeOutcome.UNREACHABLE: Conclusion(
        Badge(marked("Not reached"), "red"),
        marked(
            "The address cannot be reached from this server. Look at the address, and at the server's network."
        ),
    ),
    ProbeOutcome.NOT_TRUSTED: Conclusion(
        Badge(marked("TLS failed"), "red"),
        marked(
            "Its certificate is not trusted, or it does not trust ours. The command line gives a trunk files of its own: ringbridge trunk set NAME --tls-ca …"
        ),
    ),
    ProbeOutcome.OUT_OF_REACH: Conclusion(
        Badge(marked("Out of reach"), "red"),
        marked(
            "This server sends SIP from an address that reaches its own machine only. Set RINGBRIDGE_SIP_HOST to the "
            "address that others reach it by, and start it again."
        ),
    ),
    ProbeOutcome.UNRESOLVABLE: Conclusion(
        Badge(marked("Unknown host"), "red"),
        marked(
            "The host name leads nowhere that this server can send to. Correct the address, or RINGBRIDGE_SIP_HOST."
        ),
    ),
}

# What the carrier's final answer to REGISTER means.
REGISTRATION_MENDS = {
    401: marked("The carrier does not take this user name and password. Correct them."),
    403: marked("The carrier refuses this user name and password. Correct them, or ask the carrier why."),
    404: marked("The carrier does not know the user name."),
    407: marked("The carrier does not take this user name and password. Correct them."),
    408: marked("The carrier is silent. Look at its address, and at firewalls between."),
    503: marked("The carrier cannot be reached, or cannot work. It is asked again."),
}
OTHER_REGISTRATION = marked("Ask the carrier what this answer means.")
