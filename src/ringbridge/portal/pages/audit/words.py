"""What the entries of the audit log are called."""

from ringbridge.call.actor import ActorKind
from ringbridge.call.audit import Action
from ringbridge.portal.language import marked

ACTIONS: dict[Action, str] = {
    Action.ACCOUNT_CREATED: marked("Account created"),
    Action.ACCOUNT_CHANGED: marked("Account changed"),
    Action.ACCOUNT_SUSPENDED: marked("Account suspended"),
    Action.ACCOUNT_RESUMED: marked("Account resumed"),
    Action.KEY_CREATED: marked("Key created"),
    Action.KEY_EXCHANGED: marked("Key exchanged"),
    Action.KEY_REVOKED: marked("Key revoked"),
    Action.LINE_CREATED: marked("Line created"),
    Action.LINE_IMPORTED: marked("Lines imported"),
    Action.LINE_CHANGED: marked("Line changed"),
    Action.LINE_REMOVED: marked("Line removed"),
    Action.TRUNK_CREATED: marked("Trunk created"),
    Action.TRUNK_CHANGED: marked("Trunk changed"),
    Action.TRUNK_REMOVED: marked("Trunk removed"),
    Action.LIMITS_CHANGED: marked("Limits changed"),
    Action.RATES_IMPORTED: marked("Rates exchanged"),
    Action.DO_NOT_CALL_ADDED: marked("Do not call: numbers added"),
    Action.DO_NOT_CALL_REMOVED: marked("Do not call: number removed"),
    Action.WEBHOOK_CREATED: marked("Webhook created"),
    Action.WEBHOOK_CHANGED: marked("Webhook changed"),
    Action.WEBHOOK_REMOVED: marked("Webhook removed"),
    Action.WEBHOOK_DISABLED: marked("Webhook disabled"),
    Action.ORIGIN_ALLOWED: marked("Origin allowed"),
    Action.ORIGIN_FORBIDDEN: marked("Origin forbidden"),
    Action.PROMPT_REPLACED: marked("Prompt replaced"),
    Action.PROMPT_RESTORED: marked("Prompt restored"),
    Action.USER_CREATED: marked("User created"),
    Action.USER_CHANGED: marked("User changed"),
    Action.USER_DISABLED: marked("User disabled"),
    Action.USER_ENABLED: marked("User let in again"),
    Action.USER_LINK_MADE: marked("Link for a password made"),
    Action.USER_PASSWORD_SET: marked("Password set"),
    Action.USER_SECOND_FACTOR_BEGUN: marked("Second factor set up"),
    Action.USER_SECOND_FACTOR_ENDED: marked("Second factor turned off"),
    Action.USER_RECOVERY_CODE_USED: marked("Recovery code used"),
    Action.USER_PASSKEY_ADDED: marked("Passkey added"),
    Action.USER_PASSKEY_REMOVED: marked("Passkey removed"),
    Action.USER_SIGNED_IN: marked("Signed in"),
    Action.USER_SESSIONS_ENDED: marked("Sessions ended"),
    Action.RECORDS_ERASED: marked("Records erased"),
    Action.RECORDS_RETAINED: marked("Keeping of records changed"),
    Action.CONFIG_RELOADED: marked("Settings read again"),
    Action.CONFIG_REFUSED: marked("Settings refused"),
}

KINDS: dict[str, str] = {
    "user": marked("Users and sessions"),
    "key": marked("API keys"),
    "webhook": marked("Webhooks"),
    "origin": marked("Allowed origins"),
    "line": marked("Lines"),
    "trunk": marked("Trunks"),
    "limits": marked("Limits"),
    "rates": marked("Rates"),
    "do_not_call": marked("Do not call"),
    "prompt": marked("Prompts"),
    "account": marked("The account"),
    "records": marked("Records"),
    "config": marked("Settings"),
}

ACTORS: dict[ActorKind, str] = {
    ActorKind.USER: marked("People in the portal"),
    ActorKind.API_KEY: marked("Programs with a key"),
    ActorKind.COMMAND_LINE: marked("Whoever looks after the server"),
    ActorKind.SERVER: marked("The server by itself"),
}
