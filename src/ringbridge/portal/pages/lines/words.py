"""What pages about lines call things."""

from ringbridge.call.directory import LineKind, Srtp
from ringbridge.portal.language import marked
from ringbridge.portal.words import PROMPT_LANGUAGES, Badge, Conclusion
from ringbridge.service.phone_test import Happening, Verdict

KINDS: dict[LineKind, str] = {
    LineKind.DEVICE: marked("A phone that registers here"),
    LineKind.URI: marked("A phone or PBX at a SIP address"),
    LineKind.TRUNK: marked("A telephone behind a trunk, such as a mobile"),
}

SRTP: dict[Srtp, str] = {
    Srtp.OFF: marked("Not encrypted"),
    Srtp.OPTIONAL: marked("Encrypted where the phone can"),
    Srtp.REQUIRED: marked("Encrypted, or no call"),
}

CONFIRM = {
    "": marked("Only behind a trunk, where a mailbox may answer"),
    "yes": marked("Always"),
    "no": marked("Never"),
}

# "" is the account's.
LANGUAGES = {"": marked("As the account")} | PROMPT_LANGUAGES

FAULTS = {
    "already_exists": marked("There is a line with this number already."),
    "administrators_line": marked(
        "Telephone numbers, SIP addresses and trunks are given by those who run the server. "
        "You can add extensions of 2 to 6 digits for phones that register."
    ),
    "has_extension": marked("A line is a number that can be dialled directly, without an extension."),
    "no_name": marked("A name has at least one character that can be seen."),
    "control_characters": marked("This has characters that cannot be shown."),
    "invalid_number": marked("This is neither a telephone number nor an extension of 2 to 6 digits."),
    "no_sip_address": marked("This is not a SIP address. Write it like sip:200@192.0.2.7:5060."),
    "unknown_scheme": marked("Calls go to sip: and sips: addresses only."),
    "no_host": marked("This names no host: an IP address or a host name follows the @."),
    "unknown_transport": marked("SIP goes over udp, tcp or tls only."),
    "sips_over_udp": marked("sips: goes over TLS only. Leave out transport=udp."),
    "address_with_password": marked("Write the address without a password and without headers."),
    "unknown_trunk": marked("There is no such trunk."),
    "own_phones_only": marked("Behind a trunk there is no automatic answer, no encryption and no NAT here."),
    "needs_tls": marked("Encrypted audio needs TLS: add ;transport=tls to the address."),
    "uri_or_trunk": marked("A row has a uri or a trunk, and not both."),
    "too_many_cells": marked("This row has more cells than there are columns."),
    "twice_in_file": marked("This number is in an earlier row already."),
    "unknown_columns": marked("The first row names the columns: number, name and uri (or trunk)."),
    "no_rows": marked("There are no rows yet. Choose a file, or paste its rows."),
    "no_text": marked("This file is not UTF-8 text. Save it as CSV UTF-8."),
    "no_csv": marked("This is not CSV."),
    "too_many_rows": marked("A file has 5,000 rows at most here. The command line takes more."),
    "faulty_rows": marked("Some rows are wrong. Correct them, or take them out; nothing was added yet."),
    "no_phone": marked("No phone is registered for this line. Start it, and check what was entered in it."),
    "costs_money": marked(
        "The account's money is limited, and this telephone is reached over a trunk: what a test costs would be "
        "booked nowhere. Place a call instead."
    ),
    "suspended": marked("The account is suspended."),
    "engine_down": marked("The server cannot place calls just now. Try again in a moment."),
    "trunk_full": marked("The trunk carries as many calls as it may."),
    "no_trunk": marked("The trunk of this line is not there any more."),
    "limit_exceeded": marked(
        "This line, or the account, is in as many calls as it may. Try again in a moment."
    ),
}

HAPPENINGS: dict[Happening, str] = {
    Happening.DIALED: marked("The phone is called"),
    Happening.RINGING: marked("It rings"),
    Happening.ANSWERED: marked("It was answered, and the question whether to connect is played"),
    Happening.PLAYED: marked("The question came to its end"),
    Happening.PRESSED: marked("Key 1 arrived"),
    Happening.SILENT: marked("No sound comes from the phone"),
    Happening.ENDED: marked("The phone was hung up"),
}


VERDICTS: dict[Verdict, Conclusion] = {
    Verdict.WORKS: Conclusion(
        Badge(marked("It works"), "green"),
        marked(
            "The phone rings, whoever answers hears the server, and keys arrive. Calls can begin with it."
        ),
    ),
    Verdict.NO_KEY: Conclusion(
        Badge(marked("Answered, no key"), "yellow"),
        marked(
            "It was answered, but key 1 did not arrive. If you heard nothing, a firewall keeps the audio away: look "
            "at the server's media ports and at NAT. If you heard it and pressed 1, set the phone's DTMF to RFC 2833."
        ),
    ),
    Verdict.HUNG_UP: Conclusion(
        Badge(marked("Hung up"), "yellow"),
        marked(
            "It was answered and hung up before 1 was pressed. Test again, and press 1 once you are asked."
        ),
    ),
    Verdict.NO_ANSWER: Conclusion(
        Badge(marked("Not answered"), "yellow"),
        marked("Nobody answered. If the phone did not ring, look at its do-not-disturb and at its network."),
    ),
    Verdict.BUSY: Conclusion(
        Badge(marked("Busy"), "yellow"),
        marked("The phone says that it is busy. Hang up what is there, or switch do-not-disturb off."),
    ),
    Verdict.DECLINED: Conclusion(
        Badge(marked("Declined"), "yellow"),
        marked("The call was declined, by somebody or by do-not-disturb."),
    ),
    Verdict.UNREACHABLE: Conclusion(
        Badge(marked("Not reached"), "red"),
        marked(
            "Nothing answers there. Look at the address, the phone's power and network, and firewalls between."
        ),
    ),
    Verdict.REFUSED: Conclusion(
        Badge(marked("Call refused"), "red"),
        marked(
            "The phone, or what is in front of it, refuses the call. Look at the address and at its settings."
        ),
    ),
    Verdict.NO_COMMON_AUDIO: Conclusion(
        Badge(marked("No common codec"), "red"),
        marked(
            "The phone and the server have no audio codec in common, or only one of them insists on encryption. Switch "
            "on PCMU or PCMA in the phone, and compare its SRTP with the line's."
        ),
    ),
    Verdict.STOPPED: Conclusion(
        Badge(marked("Stopped"), "azure"), marked("The server was stopped meanwhile. Test again.")
    ),
    Verdict.FAILED: Conclusion(
        Badge(marked("Failed"), "red"), marked("The server could not go on. Its log says why.")
    ),
}
