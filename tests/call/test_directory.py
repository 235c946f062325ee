import pytest

from ringbridge.call.directory import Line, LineKind, Trunk


def test_the_password_of_a_trunk_is_not_shown() -> None:
    trunk = Trunk(id="t", name="n", uri="sip:h", username="u", password="5ec2e7")

    assert "5ec2e7" not in repr(trunk)


@pytest.mark.parametrize(
    ("kind", "confirm", "must_confirm"),
    [
        (LineKind.TRUNK, None, True),
        (LineKind.URI, None, False),
        (LineKind.DEVICE, None, False),
        (LineKind.TRUNK, False, False),
        (LineKind.URI, True, True),
    ],
)
def test_who_answers_over_a_trunk_is_asked_first_unless_the_line_says_otherwise(
    kind: LineKind, confirm: bool | None, must_confirm: bool
) -> None:
    line = Line(id="l1", account_id="1009683", number="204", kind=kind, confirm=confirm)

    assert line.must_confirm is must_confirm
