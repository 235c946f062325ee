"""The lines of the account and their phones: find, add, change, remove, import, give a phone its password, try it."""

from ringbridge.call.user import Right
from ringbridge.portal.page import action, page, watched
from ringbridge.portal.pages.lines.editing import (
    add,
    change,
    remove,
    renew_password,
    show_line,
    show_lines,
    show_new,
    show_phones,
)
from ringbridge.portal.pages.lines.importing import import_lines, show_import
from ringbridge.portal.pages.lines.testing import show_steps, show_test, start_test

ROUTES = [
    page("/lines", show_lines, Right.SEE_LINES),
    page("/lines/new", show_new, Right.CHANGE_LINES),
    action("/lines", add, Right.CHANGE_LINES),
    page("/lines/import", show_import, Right.CHANGE_NUMBERS),
    action("/lines/import", import_lines, Right.CHANGE_NUMBERS),
    page("/lines/{line_id}", show_line, Right.SEE_LINES),
    action("/lines/{line_id}", change, Right.CHANGE_LINES),
    action("/lines/{line_id}/password", renew_password, Right.CHANGE_LINES),
    action("/lines/{line_id}/remove", remove, Right.CHANGE_LINES),
    watched("/lines/{line_id}/phones", show_phones, Right.SEE_LINES),
    # Whoever may call from a line may try its phone: a `user`, their own.
    action("/lines/{line_id}/tests", start_test, Right.DIAL),
    page("/lines/{line_id}/tests/{test_id}", show_test, Right.DIAL),
    watched("/lines/{line_id}/tests/{test_id}/steps", show_steps, Right.DIAL),
]
