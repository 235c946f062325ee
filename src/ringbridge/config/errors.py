"""What is wrong with settings."""


class SettingsError(Exception):
    """A setting, or a folder that one names, is not usable; the text says which and what to do."""
