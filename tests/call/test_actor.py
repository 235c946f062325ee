"""Who acts."""

from contextvars import copy_context

from ringbridge.call.actor import SERVER, Actor, ActorKind, act, acting, acting_as

ANN = Actor(ActorKind.COMMAND_LINE, "ann")


def test_whoever_was_named_acts_for_as_long_as_it_lasts_and_else_the_server() -> None:
    with acting_as(ANN):
        inside = acting()

    assert (inside, acting()) == (ANN, SERVER)


def test_whoever_was_named_acts_in_that_context_only() -> None:
    request = copy_context()
    request.run(act, ANN)

    assert (request.run(acting), acting()) == (ANN, SERVER)
