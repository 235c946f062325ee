"""Dialling: a number, what was understood of it, the call as it goes, and what somebody calls often."""

from ringbridge.portal.pages.dial import asking, calling, favourites, later

ROUTES = [*asking.ROUTES, *calling.ROUTES, *favourites.ROUTES, *later.ROUTES]
