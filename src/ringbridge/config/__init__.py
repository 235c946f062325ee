"""Settings of the server and the commands, and the secret beside its data.

A setting comes from the environment (`RINGBRIDGE_HTTP_PORT`), else from `ringbridge.toml` (`http_port`), else from its
default. One file is read: the one in the working directory, or else the one in the data folder. Whatever is wrong
with a setting becomes a SettingsError, whose text is one sentence for the administrator.
"""

from ringbridge.config.errors import SettingsError as SettingsError
from ringbridge.config.listening import unbindable as unbindable
from ringbridge.config.loading import LoadedSettings as LoadedSettings
from ringbridge.config.loading import load_settings as load_settings
from ringbridge.config.pepper import load_pepper as load_pepper
from ringbridge.config.pepper import unwritable as unwritable
from ringbridge.config.settings import Settings as Settings
from ringbridge.config.settings import default_data_dir as default_data_dir
from ringbridge.config.values import PortRange as PortRange
from ringbridge.config.values import is_host as is_host
