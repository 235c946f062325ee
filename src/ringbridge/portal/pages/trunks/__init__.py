"""The trunks of the server: how they do, adding, changing, removing and testing them."""

from ringbridge.call.user import Right
from ringbridge.portal.page import action, page, watched
from ringbridge.portal.pages.trunks.editing import (
    add,
    change,
    remove,
    show_new,
    show_states,
    show_test,
    show_trunk,
    show_trunks,
)

ROUTES = [
    page("/trunks", show_trunks, Right.SEE_TRUNKS),
    watched("/trunks/states", show_states, Right.SEE_TRUNKS),
    page("/trunks/new", show_new, Right.CHANGE_TRUNKS, fresh=True),
    action("/trunks", add, Right.CHANGE_TRUNKS, fresh=True),
    page("/trunks/{trunk_id}", show_trunk, Right.CHANGE_TRUNKS, fresh=True),
    action("/trunks/{trunk_id}", change, Right.CHANGE_TRUNKS, fresh=True),
    action("/trunks/{trunk_id}/remove", remove, Right.CHANGE_TRUNKS, fresh=True),
    action("/trunks/{trunk_id}/test", show_test, Right.CHANGE_TRUNKS),
]
