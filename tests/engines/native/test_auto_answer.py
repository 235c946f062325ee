"""Which phone is asked in which words to pick up by itself."""

import pytest

from ringbridge.engines.native.auto_answer import auto_answer_fields

CALL_INFO = ("Call-Info", "<http://127.0.0.1>;answer-after=0")
ALERT_INFO = ("Alert-Info", "<http://127.0.0.1>;info=alert-autoanswer;delay=0")
ANY_PHONE = (CALL_INFO, ALERT_INFO, ("Answer-Mode", "Auto"))


@pytest.mark.parametrize(
    ("user_agent", "fields"),
    [
        ("PolycomVVX-VVX_411-UA/5.9.6.2327", (("Alert-Info", "info=Auto Answer"),)),
        ("PolyEdge-Edge_E220-UA/8.0.2", (("Alert-Info", "info=Auto Answer"),)),
        ("Panasonic_KX-HDV130/01.302", (("Alert-Info", "Intercom"),)),
        ("Digium D65 2_9_13", (("Alert-Info", "ring-answer"),)),
        ("Sangoma P325 4_12_2", (("Alert-Info", "ring-answer"),)),
        ("Yealink SIP-T54W 96.86.0.70", (CALL_INFO, ALERT_INFO)),
        ("snomD785/10.1.175.16", (CALL_INFO, ALERT_INFO)),
        ("Aastra 6757i/3.3.1.4365", (CALL_INFO, ALERT_INFO)),
        ("Mitel-6930-SIP-Phone 6.3.0", (CALL_INFO, ALERT_INFO)),
        ("OpenStage_60_V3 R5.14.0", (ALERT_INFO,)),
        ("Grandstream GXP2170 1.0.11.79", (CALL_INFO,)),
        ("Cisco/SPA504G-7.6.2c", (CALL_INFO,)),
        ("Linksys/SPA942-6.1.5(a)", (CALL_INFO,)),
        ("baresip v3.9.0 (x86_64/Linux)", ANY_PHONE),
        ("", ANY_PHONE),
        (None, ANY_PHONE),
    ],
)
def test_a_phone_is_asked_in_the_words_of_its_maker(
    user_agent: str | None, fields: tuple[tuple[str, str], ...]
) -> None:
    assert auto_answer_fields(user_agent) == fields
