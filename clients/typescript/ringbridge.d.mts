// Made from docs/openapi.json by scripts/describe-api. Changes belong there.

export interface Options {
  /** The root of the server's HTTP, such as https://calls.example.com. */
  url: string;
  account: string;
  key: string;
  fetch?: typeof fetch;
}

export interface RequestOptions {
  /** Further headers, such as Idempotency-Key. */
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** One event of a stream; its `id` is what to go on after. */
export interface Streamed<T> {
  id: string;
  data: T;
}

/** An event of the account's stream, which tells of all calls. */
export interface AccountEvent extends EventResource {
  call_id: string;
  test: boolean;
  /** The id of the scheduled call that its call is an attempt of. */
  attempt_of: string | null;
  metadata: Record<string, string>;
}

/** The answer is no: `code` is the stable word for why. */
export class RingbridgeError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | null;
}

/** No answer came, or only the beginning of one. */
export class ServerUnreachable extends Error {}

/** Who changed it. */
export interface ActorResource {
  /** `api_key`, `user` (of the portal), `command_line` (whoever looks after the server) or `server`. */
  kind: string;
  /** Of an API key or a user; else null. */
  id: string | null;
  /** Where the request of an API key or a user came from; else null. */
  address: string | null;
}

/** One attempt of a scheduled call. It is a call of its own. */
export interface AttemptResource {
  id: string;
  state: string;
  outcome: string | null;
  accepted_at: string;
}

/** A change. Secrets are hidden, and of telephone numbers only the last four digits are told. */
export interface AuditResource {
  /** Grows with each change of this server. */
  id: number;
  at: string;
  action: string;
  actor: ActorResource;
  target: TargetResource;
  /** What was different; null for something new. */
  before: Record<string, unknown> | null;
  /** What is different; null for something removed. */
  after: Record<string, unknown> | null;
}

/** A call that is wanted. Options that are left out are as the line and the account have them. */
export interface CallBody {
  /** A line of the account: its phone rings first. */
  user_line: string;
  /** The number to call, as people write it. */
  destination_line: string;
  /** The number of the account that the user's phone shows instead of the destination's. */
  user_caller_id?: string | null;
  /** The number of the account that the destination's phone shows instead of the line's. */
  destination_caller_id?: string | null;
  /** Whoever answers the user's phone must press 1. */
  confirm?: boolean | null;
  /** The user's phone is asked to pick up by itself. */
  auto_answer?: boolean | null;
  /** Of the prompts; English where there are none. */
  language?: string | null;
  /** How long the user's phone rings; at most as long as the account may. */
  user_ring_seconds?: number | null;
  /** How long the destination's phone rings; at most as long as the account may. */
  destination_ring_seconds?: number | null;
  /** How long the two are joined; at most as long as the account may. */
  call_seconds?: number | null;
  /** Texts of your own, told again with everything about the call. */
  metadata?: Record<string, string> | null;
  /** Where this call's events are sent, besides the account's webhooks. */
  webhook?: string | null;
  /** Place it later. Makes it a scheduled call. */
  schedule?: ScheduleBody | null;
  /** Wait until no other call of the line is up. Makes it a scheduled call. */
  when_user_is_free?: boolean | null;
  /** Try again. Makes it a scheduled call. */
  retry?: RetryBody | null;
}

/** A call with its history so far. Of a scheduled call neither side is ever dialled: its attempts are calls of their own. */
export interface CallResource {
  /** The `api_request_id` of version 1. */
  id: string;
  state: string;
  outcome: string | null;
  cause: string | null;
  ended_by: string | null;
  accepted_at: string;
  ended_at: string | null;
  /** How long both sides were joined; null until it is over. */
  talk_seconds: number | null;
  /** What the client gave along. */
  metadata: Record<string, string>;
  /** The id of the scheduled call that this is an attempt of. */
  attempt_of: string | null;
  /** Of a scheduled call; else null. */
  schedule: ScheduleResource | null;
  /** It is simulated for a test key. */
  test: boolean;
  user: LegResource;
  destination: LegResource;
  /** Whom it was transferred to, or was to be, in that order. */
  thirds: Array<ThirdResource>;
  /** In the currency of the rates, with its thirds; null until it is over, in test calls, and where no rate is known. */
  cost: string | null;
  events: Array<EventResource>;
}

/** The account's secret for the webhooks that its calls bring with them. */
export interface CallSecretResource {
  /** For Standard Webhooks libraries as it is. */
  secret: string;
}

/** The call that is being ended. */
export interface CancelResource {
  id: string;
}

/** What is to be different; what is left out stays as it is. */
export interface ChangedWebhook {
  url?: string | null;
  /** What it is for. */
  name?: string | null;
  format?: WebhookFormat | null;
  events?: Array<string> | null;
  /** false: nothing is sent. true: what waited is sent, too. */
  enabled?: boolean | null;
}

/** One check. */
export interface DecisionResource {
  check: string;
  allowed: boolean;
  /** Why not, as the error of a placed call would say it. */
  code: string | null;
}

/** An event in the log of a webhook. */
export interface DeliveryResource {
  /** The `webhook-id` of each of its tries. */
  event_id: string;
  /** Its name. */
  event: string;
  call_id: string;
  state: DeliveryState;
  created_at: string;
  attempts: number;
  next_attempt_at: string | null;
  last_attempt_at: string | null;
  last_status: number | null;
  last_error: string | null;
  delivered_at: string | null;
}

/** How far an event came. */
export type DeliveryState = "pending" | "delivered" | "failed";

/** Keys, and who is to hear them. */
export interface DigitsBody {
  /** The keys; a comma is a pause of a second. They are kept nowhere. */
  digits: string;
  leg?: LegName;
}

/** The number that is to be forgotten. */
export interface ErasureBody {
  /** As people write it. */
  number: string;
}

/** What was erased. */
export interface ErasureResource {
  /** In so many calls, all of which are over. */
  calls: number;
  /** So many calls with that number go on: ask again when they are over. */
  running: number;
}

/** One line of a call's history, and how call and legs stood after it. */
export interface EventResource {
  /** Counts from 1 without gaps. */
  sequence: number;
  name: string;
  at: string;
  state: string;
  user_leg: string;
  destination_leg: string;
}

/** How records are written: a table with a row of names, or a list of documents. Either can be sent as it grows. */
export type ExportForm = "csv" | "json";

/** Who is released. */
export interface HangUpBody {
  /** The other one hears a tone or a reason for a second, and is released too. */
  leg: LegName;
}

/** Who is put on hold. */
export interface HoldBody {
  /** Who hears a tone now and then; the other one hears silence. */
  leg?: LegName;
}

/** A key that is wanted. It may do no more than the one that asks for it. */
export interface KeyBody {
  name: string;
  scopes: Array<Scope>;
  /** Lines that it may call from; left out, those of the key that asks. */
  lines?: Array<string>;
  /** Addresses and networks (CIDR) that it opens from; left out, those of the key that asks. */
  networks?: Array<string>;
  /** How long it lives. */
  days?: number;
  /** When it begins to open. */
  not_before?: string | null;
  /** Its calls are simulated; left out, if those of the key that asks are. */
  test?: boolean | null;
}

/** A key without its secret. Times are null where there is none. */
export interface KeyResource {
  id: string;
  name: string;
  /** Its calls are simulated. */
  test: boolean;
  /** What it may do. */
  scopes: Array<string>;
  /** The lines that it may call from; empty for all. */
  lines: Array<string>;
  /** Where it opens from; empty for anywhere. */
  networks: Array<string>;
  created_at: string;
  not_before: string | null;
  expires_at: string;
  revoked_at: string | null;
  /** True to the minute. */
  last_used_at: string | null;
  last_used_from: string | null;
}

/** The user's phone, which rings first; the destination; and the third, to whom one of the two was transferred. */
export type LegName = "user" | "destination" | "third";

/** One side of a call. */
export interface LegResource {
  /** E.164 with its plus, or an internal extension. */
  number: string;
  /** The trunk that was tried last; null for a phone of our own. */
  trunk: string | null;
  state: string;
  ringing_at: string | null;
  answered_at: string | null;
  ended_at: string | null;
  /** Why the leg ended; null until then. */
  cause: string | null;
  /** The final SIP status of a leg that was refused. */
  sip_status: number | null;
  /** The Q.850 cause that the network gave. */
  q850: number | null;
}

/** Limits to change; those that are left out stay. A key can make them tighter, and only an administrator looser. */
export interface LimitsBody {
  concurrent?: number;
  per_user?: number;
  rate?: number;
  duplicates_seconds?: number;
  countries?: Array<string>;
  user_ring_seconds?: number;
  confirm_seconds?: number;
  destination_ring_seconds?: number;
  call_seconds?: number;
  per_minute?: number | null;
  user_per_minute?: number | null;
  destination_per_10_minutes?: number | null;
  refused_prefixes?: Array<string>;
  quiet_hours?: string;
  spend_per_call?: string | null;
  spend_per_hour?: string | null;
  spend_per_day?: string | null;
  spend_per_month?: string | null;
  short_calls_per_hour?: number | null;
  keys?: number;
}

/** What the account may do. null means no limit. */
export interface LimitsResource {
  /** Calls at once. */
  concurrent: number;
  /** Calls at once for one line. */
  per_user: number;
  /** Calls accepted in any one second. */
  rate: number;
  /** A click repeated within this time is the same call. */
  duplicates_seconds: number;
  /** Countries that may be called; empty for the account's own. */
  countries: Array<string>;
  user_ring_seconds: number;
  confirm_seconds: number;
  destination_ring_seconds: number;
  call_seconds: number;
  /** Calls accepted in any one minute. */
  per_minute: number | null;
  /** The same for one line. */
  user_per_minute: number | null;
  /** Calls to one number in any ten minutes. */
  destination_per_10_minutes: number | null;
  /** Beginnings of numbers that may not be called. */
  refused_prefixes: Array<string>;
  /** When nobody is called, by the clock where they are; empty for never. */
  quiet_hours: string;
  /** What the longest call may cost. */
  spend_per_call: string | null;
  /** What all calls of an hour may cost (UTC). */
  spend_per_hour: string | null;
  spend_per_day: string | null;
  spend_per_month: string | null;
  /** Calls of a few seconds to one country; more suspend the account. */
  short_calls_per_hour: number | null;
  /** Keys that are valid at once; while they are exchanged, twice as many. */
  keys: number;
}

/** A new line, for a phone that registers. */
export interface LineBody {
  /** Whose line it is. */
  name?: string | null;
  /** Of its prompts; null for the account's. */
  language?: string | null;
  /** Whoever answers must press 1; null leaves it to the kind of line. */
  confirm?: boolean | null;
  /** The phone is asked to pick up by itself. */
  auto_answer?: boolean;
  /** Whether its audio is encrypted; needs TLS. */
  srtp?: Srtp;
  /** Its audio may come from elsewhere than it says. */
  nat?: boolean;
  /** An internal extension of 2 to 6 digits. */
  number: string;
}

/** What is to be changed of a line; what is left out stays. */
export interface LineChangeBody {
  /** Whose line it is. */
  name?: string | null;
  /** Of its prompts; null for the account's. */
  language?: string | null;
  /** Whoever answers must press 1; null leaves it to the kind of line. */
  confirm?: boolean | null;
  /** The phone is asked to pick up by itself. */
  auto_answer?: boolean;
  /** Whether its audio is encrypted; needs TLS. */
  srtp?: Srtp;
  /** Its audio may come from elsewhere than it says. */
  nat?: boolean;
}

/** How a line's phone is reached. */
export type LineKind = "uri" | "device" | "trunk";

/** A number of the account, and how its phone is reached. */
export interface LineResource {
  id: string;
  /** E.164 with its plus, or an internal extension. */
  number: string;
  name: string | null;
  /** How its phone is reached: it registers, it has an address, or over a trunk. */
  kind: LineKind;
  /** The SIP address of a line of kind `uri`. */
  uri: string | null;
  /** The trunk of a line of kind `trunk`. */
  trunk: string | null;
  /** What the phone of a line of kind `device` registers as. */
  sip_username: string | null;
  language: string | null;
  /** Whether whoever answers must press 1. */
  confirm: boolean;
  auto_answer: boolean;
  srtp: Srtp;
  nat: boolean;
}

/** A call as lists show it. `outcome`, `cause`, `ended_by`, `ended_at` and `talk_seconds` are null until it is over. */
export interface ListedCallResource {
  /** The `api_request_id` of version 1. */
  id: string;
  state: string;
  outcome: string | null;
  cause: string | null;
  ended_by: string | null;
  accepted_at: string;
  ended_at: string | null;
  /** How long both sides were joined; null until it is over. */
  talk_seconds: number | null;
  /** What the client gave along. */
  metadata: Record<string, string>;
  /** The id of the scheduled call that this is an attempt of. */
  attempt_of: string | null;
  /** Of a scheduled call; else null. */
  schedule: ScheduleResource | null;
  /** It is simulated for a test key. */
  test: boolean;
  user: LegResource;
  destination: LegResource;
}

/** A new key. */
export interface MadeKeyResource {
  id: string;
  name: string;
  /** Its calls are simulated. */
  test: boolean;
  /** What it may do. */
  scopes: Array<string>;
  /** The lines that it may call from; empty for all. */
  lines: Array<string>;
  /** Where it opens from; empty for anywhere. */
  networks: Array<string>;
  created_at: string;
  not_before: string | null;
  expires_at: string;
  revoked_at: string | null;
  /** True to the minute. */
  last_used_at: string | null;
  last_used_from: string | null;
  /** The key itself: it is shown this once. */
  key: string;
}

/** A line, and the password that its phone registers with. */
export interface NewLineResource {
  id: string;
  /** E.164 with its plus, or an internal extension. */
  number: string;
  name: string | null;
  /** How its phone is reached: it registers, it has an address, or over a trunk. */
  kind: LineKind;
  /** The SIP address of a line of kind `uri`. */
  uri: string | null;
  /** The trunk of a line of kind `trunk`. */
  trunk: string | null;
  /** What the phone of a line of kind `device` registers as. */
  sip_username: string | null;
  language: string | null;
  /** Whether whoever answers must press 1. */
  confirm: boolean;
  auto_answer: boolean;
  srtp: Srtp;
  nat: boolean;
  /** Told this once. */
  sip_password: string;
}

/** A webhook to be. */
export interface NewWebhook {
  /** Where to, over https. Private addresses are refused. */
  url: string;
  /** What it is for. */
  name?: string | null;
  /** What the bodies look like. */
  format?: WebhookFormat;
  /** Names of events, such as `connected`; none means all. */
  events?: Array<string>;
}

/** The one word for how a call went; every accepted call gets exactly one. BLOCKED is that of a request that was refused. EXPIRED is that of a scheduled call whose time is over. */
export type Outcome = "completed" | "user_no_answer" | "user_busy" | "user_declined" | "user_unreachable" | "user_hung_up" | "not_confirmed" | "destination_no_answer" | "destination_busy" | "destination_declined" | "destination_invalid" | "destination_unreachable" | "canceled" | "interrupted" | "failed" | "blocked" | "expired";

export interface PageAuditResource {
  items: Array<AuditResource>;
  /** For the next page; null when this is the last. */
  next_cursor: string | null;
}

export interface PageDeliveryResource {
  items: Array<DeliveryResource>;
  /** For the next page; null when this is the last. */
  next_cursor: string | null;
}

export interface PageKeyResource {
  items: Array<KeyResource>;
  /** For the next page; null when this is the last. */
  next_cursor: string | null;
}

export interface PageLineResource {
  items: Array<LineResource>;
  /** For the next page; null when this is the last. */
  next_cursor: string | null;
}

export interface PageListedCallResource {
  items: Array<ListedCallResource>;
  /** For the next page; null when this is the last. */
  next_cursor: string | null;
}

export interface PageRecordResource {
  items: Array<RecordResource>;
  /** For the next page; null when this is the last. */
  next_cursor: string | null;
}

export interface PageWebhookResource {
  items: Array<WebhookResource>;
  /** For the next page; null when this is the last. */
  next_cursor: string | null;
}

/** Money in a running period. */
export interface PeriodResource {
  /** What calls that are over did cost. */
  spent: string;
  /** What calls that are up may cost at the most. With what is spent, it is what a limit is compared with. */
  reserved: string;
  limit: string | null;
  ends_at: string;
}

/** A phone that is registered for the user's line. */
export interface PhoneResource {
  transport: string;
  host: string;
  port: number;
  /** What the phone calls itself. */
  user_agent: string | null;
}

/** The destination's side. */
export interface PreviewDestinationResource {
  /** E.164 with its plus. */
  number: string;
  /** The country of the number in two letters, or 001 where none owns it. */
  region: string;
  /** What sort of number it is. */
  kind: string;
  /** What is pressed once it has answered; `,` is a pause of a second. */
  digits: string;
  /** In the order in which they are tried. */
  routes: Array<RouteResource>;
}

/** What would become of the call. A side is null when its line could not be read. */
export interface PreviewResource {
  /** Whether the call would be placed now. */
  allowed: boolean;
  user: PreviewUserResource | null;
  destination: PreviewDestinationResource | null;
  /** Whether whoever answers the user's phone must press 1. */
  confirm: boolean | null;
  auto_answer: boolean | null;
  language: string | null;
  user_ring_seconds: number | null;
  destination_ring_seconds: number | null;
  call_seconds: number | null;
  /** What would be waited for; null for a call at once. */
  schedule: ScheduleResource | null;
  decisions: Array<DecisionResource>;
}

/** The user's side. */
export interface PreviewUserResource {
  /** E.164 with its plus, or an internal extension. */
  number: string;
  name: string | null;
  /** How the phone is reached: `uri`, `device` or `trunk`. */
  kind: string;
  /** Of a line of kind device: those that would ring. */
  phones: Array<PhoneResource>;
  /** In the order in which they are tried. */
  routes: Array<RouteResource>;
}

/** One side of a call that is over. Times are null where it did not come that far. */
export interface RecordLegResource {
  /** E.164, or an internal extension; `erased` when it was erased. */
  number: string;
  /** The trunk that was tried last; null for a phone of our own. */
  trunk: string | null;
  /** The number that the phone showed. */
  caller_number: string;
  dialed_at: string | null;
  ringing_at: string | null;
  answered_at: string | null;
  ended_at: string | null;
  /** Why the leg ended; null if it was never dialled. */
  cause: string | null;
  sip_status: number | null;
  q850: number | null;
  /** How long the phone rang. */
  ring_seconds: number;
}

/** A call that is over, with both sides and all thirds. */
export interface RecordResource {
  /** The `api_request_id` of version 1. */
  call_id: string;
  /** The API key that asked for the call. */
  key_id: string;
  outcome: string;
  cause: string;
  /** Who ended it. */
  ended_by: string;
  accepted_at: string;
  ended_at: string;
  /** How long both sides were joined. */
  talk_seconds: number;
  /** What the client gave along. */
  metadata: Record<string, string>;
  user: RecordLegResource;
  destination: RecordLegResource;
  /** Whom it was transferred to, or was to be, in that order. */
  thirds: Array<ThirdResource>;
  /** It was simulated for a test key. */
  test: boolean;
  /** In the currency of the rates, with its thirds; null in test calls, and where no rate is known. */
  cost: string | null;
}

/** Which events to send again. */
export interface ReplayRequest {
  /** Events of then and later. */
  since: string;
  /** Also those that were taken, not only those given up. */
  delivered?: boolean;
}

/** How many events are sent again. */
export interface ReplayResource {
  count: number;
}

/** After which outcomes it is tried again. */
export interface RetryBody {
  /** The first one included. */
  max_attempts: number;
  /** From the end of one attempt to the next. */
  after_seconds?: number;
  /** Any but `completed`, `destination_invalid`, `canceled`, `blocked` and `expired`. */
  on?: Array<Outcome>;
}

/** How the old key goes on. */
export interface RotationBody {
  /** How long the old key still opens. */
  overlap_hours?: number;
}

/** One way to reach a phone. Of a trunk only its name is told: its address is the administrator's. */
export interface RouteResource {
  /** Null for a phone of our own. */
  trunk: string | null;
  /** The number that the phone shows. */
  caller_number: string;
  caller_name: string | null;
}

/** When the first attempt is due, and how late any may begin. */
export interface ScheduleBody {
  /** With its offset from UTC; up to 30 days from now. Left out: now. */
  at?: string | null;
  /** An attempt that cannot begin within this time is not made any more. */
  window_seconds?: number;
}

/** What a scheduled call waits for, and its attempts so far. */
export interface ScheduleResource {
  at: string;
  when_user_is_free: boolean;
  window_seconds: number;
  retry: ScheduledRetryResource | null;
  /** Null while an attempt is up, and at the end. */
  next_attempt_at: string | null;
  attempts: Array<AttemptResource>;
}

/** After which outcomes a scheduled call is tried again. */
export interface ScheduledRetryResource {
  max_attempts: number;
  after_seconds: number;
  on: Array<string>;
}

/** One thing that a key may be allowed. What no scope names, no key can do. */
export type Scope = "calls:create" | "calls:read" | "calls:cancel" | "calls:control" | "records:read" | "records:erase" | "lines:read" | "lines:write" | "trunks:read" | "limits:read" | "limits:write" | "usage:read" | "webhooks:read" | "webhooks:write" | "keys:read" | "keys:write" | "tokens:create" | "audit:read";

/** Whether audio is encrypted on the way (RFC 3711): never, where the far end can, or else no call. */
export type Srtp = "off" | "optional" | "required";

/** Where a call stands. ENDED is the only final state; its Ending says how. SCHEDULED is one that waits for its attempts, which are calls of their own. */
export type State = "scheduled" | "accepted" | "ringing_user" | "confirming" | "dialing_destination" | "ringing_destination" | "connected" | "held" | "transferring" | "returning" | "announcing" | "ended";

/** What was changed. */
export interface TargetResource {
  /** The first word of the action. */
  kind: string;
  /** Null where the account has only one. */
  id: string | null;
}

/** What came back for an event that never was. */
export interface TestResource {
  delivered: boolean;
  /** The status of the answer; null where no whole answer came. */
  status: number | null;
  /** What went wrong, in a few words. */
  error: string | null;
  seconds: number;
}

/** Whom a call was transferred to, or was to be. Times are null where it did not come that far. */
export interface ThirdResource {
  /** E.164 with its plus; `erased` when it was erased. */
  number: string;
  /** The trunk that was tried last; null for a phone of our own. */
  trunk: string | null;
  /** In the words for a destination; null until it is over. */
  outcome: string | null;
  dialed_at: string | null;
  ringing_at: string | null;
  answered_at: string | null;
  ended_at: string | null;
  /** Why the leg ended; null until then. */
  cause: string | null;
  sip_status: number | null;
  q850: number | null;
  /** How long it was up; null until it is over. */
  talk_seconds: number | null;
  /** In the currency of the rates; null until it is over, and where no rate is known. */
  cost: string | null;
}

/** A token that is wanted. */
export interface TokenBody {
  /** The line of the account that the page may call from. */
  user_line: string;
  /** Whose pages may use it, as browsers write it. */
  origin: string;
  /** How long it lives. */
  seconds?: number;
}

/** A token. */
export interface TokenResource {
  /** For `Authorization: Bearer`, at `POST /api/v2/calls` only. */
  token: string;
  /** The line, as a call shows it. */
  user_line: string;
  origin: string;
  expires_at: string;
}

/** Who is to talk to whom. */
export interface TransferBody {
  /** The third's number. */
  destination_line: string;
  /** Who waits for the third, and hears ringback; the other one is released once the third answers. */
  leg?: LegName;
}

/** All trunks. */
export interface TrunkList {
  items: Array<TrunkResource>;
}

/** A way to the public telephone network. */
export interface TrunkResource {
  name: string;
  /** The beginnings of the numbers that it carries; none means all. */
  prefixes: Array<string>;
}

/** What the account does now, did today (UTC) and has spent: in live calls, or for a test key in test calls. */
export interface UsageResource {
  /** Calls that are not over. */
  calls_now: number;
  /** Calls that were accepted. */
  calls_today: number;
  /** How many calls that are over had which outcome; `blocked` are requests that were refused. */
  outcomes_today: Record<string, number>;
  hour: PeriodResource;
  day: PeriodResource;
  month: PeriodResource;
}

/** What the body of a request looks like: our own, or that of net2phone's webhooks. */
export type WebhookFormat = "ringbridge" | "net2phone";

/** Where events are sent. */
export interface WebhookResource {
  id: string;
  url: string;
  name: string | null;
  format: WebhookFormat;
  /** Those that are wanted; none means all. */
  events: Array<string>;
  enabled: boolean;
  disabled_at: string | null;
  /** `by_request`; `gone` after an answer 410; `failing` after days in which nothing was taken. */
  disabled_reason: string | null;
  created_at: string;
  /** A test key made it: it hears of test calls only. */
  test: boolean;
}

/** A webhook and what its requests are signed with, which is shown only now. */
export interface WebhookWithSecret {
  id: string;
  url: string;
  name: string | null;
  format: WebhookFormat;
  /** Those that are wanted; none means all. */
  events: Array<string>;
  enabled: boolean;
  disabled_at: string | null;
  /** `by_request`; `gone` after an answer 410; `failing` after days in which nothing was taken. */
  disabled_reason: string | null;
  created_at: string;
  /** A test key made it: it hears of test calls only. */
  test: boolean;
  /** For Standard Webhooks libraries as it is. */
  secret: string;
  /** Until when the secret before signs, too. */
  previous_secret_until: string | null;
}

/** What went wrong (RFC 9457). `code` is for programs, the texts are for people. */
export interface ProblemResource {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
}

export class Ringbridge {
  constructor(options: Options);
  /** Place a call. */
  placeCall(body: CallBody, options?: RequestOptions): Promise<CallResource>;
  /** Calls of the account, the newest first. */
  listCalls(query?: { "state"?: State | null; "outcome"?: Outcome | null; "user_line"?: string | null; "destination_line"?: string | null; "metadata"?: Array<string>; "test"?: boolean | null; "accepted_from"?: string | null; "accepted_before"?: string | null; "limit"?: number; "cursor"?: string | null; }, options?: RequestOptions): Promise<PageListedCallResource>;
  /** What would become of a call. */
  previewCall(body: CallBody, options?: RequestOptions): Promise<PreviewResource>;
  /** A call so far. */
  readCall(callId: string, options?: RequestOptions): Promise<CallResource>;
  /** Hang up. */
  cancelCall(callId: string, options?: RequestOptions): Promise<CancelResource>;
  /** A call's events as they happen. */
  followCall(callId: string, query?: { "after"?: number; }, options?: RequestOptions): AsyncGenerator<Streamed<EventResource>>;
  /** The events of all calls as they happen. */
  followAccount(query?: { "after"?: string | null; }, options?: RequestOptions): AsyncGenerator<Streamed<AccountEvent>>;
  /** Put one leg on hold. */
  holdCall(callId: string, body?: HoldBody | null, options?: RequestOptions): Promise<CallResource>;
  /** End the hold. */
  resumeCall(callId: string, options?: RequestOptions): Promise<CallResource>;
  /** Press keys. */
  sendDigits(callId: string, body: DigitsBody, options?: RequestOptions): Promise<CallResource>;
  /** Transfer one leg to a third. */
  transferCall(callId: string, body: TransferBody, options?: RequestOptions): Promise<CallResource>;
  /** Hang up one leg. */
  hangUpLeg(callId: string, body: HangUpBody, options?: RequestOptions): Promise<CallResource>;
  /** Calls that are over, the last first. */
  listRecords(query?: { "limit"?: number; "cursor"?: string | null; "ended_from"?: string | null; "ended_before"?: string | null; "outcome"?: Outcome | null; "test"?: boolean | null; }, options?: RequestOptions): Promise<PageRecordResource>;
  /** All of them, as a table or a list. */
  exportRecords(query?: { "format"?: ExportForm; "ended_from"?: string | null; "ended_before"?: string | null; "outcome"?: Outcome | null; "test"?: boolean | null; }, options?: RequestOptions): Promise<string>;
  /** Forget a number in all calls that are over. */
  eraseNumber(body: ErasureBody, options?: RequestOptions): Promise<ErasureResource>;
  /** The record of a call. */
  readRecord(callId: string, options?: RequestOptions): Promise<RecordResource>;
  /** The account's keys, the oldest first. */
  listKeys(query?: { "limit"?: number; "cursor"?: string | null; }, options?: RequestOptions): Promise<PageKeyResource>;
  /** Make a key. */
  createKey(body: KeyBody, options?: RequestOptions): Promise<MadeKeyResource>;
  /** One key, without its secret. */
  readKey(keyId: string, options?: RequestOptions): Promise<KeyResource>;
  /** Revoke a key, for good. */
  revokeKey(keyId: string, query?: { "end_calls"?: boolean; }, options?: RequestOptions): Promise<void>;
  /** Exchange a key for a new one that may the same. */
  rotateKey(keyId: string, body?: RotationBody | null, options?: RequestOptions): Promise<MadeKeyResource>;
  /** Make a token for a browser. */
  createToken(body: TokenBody, options?: RequestOptions): Promise<TokenResource>;
  /** The lines, by number. */
  listLines(query?: { "limit"?: number; "cursor"?: string | null; }, options?: RequestOptions): Promise<PageLineResource>;
  /** Make a line for a phone that registers. */
  addLine(body: LineBody, options?: RequestOptions): Promise<NewLineResource>;
  /** A line. */
  readLine(lineId: string, options?: RequestOptions): Promise<LineResource>;
  /** Change a line. */
  changeLine(lineId: string, body: LineChangeBody, options?: RequestOptions): Promise<LineResource>;
  /** Remove a line. */
  removeLine(lineId: string, options?: RequestOptions): Promise<void>;
  /** Give its phone a new password. */
  renewPassword(lineId: string, options?: RequestOptions): Promise<NewLineResource>;
  /** The trunks, the default one first. */
  listTrunks(options?: RequestOptions): Promise<TrunkList>;
  /** What the account may do. */
  readLimits(options?: RequestOptions): Promise<LimitsResource>;
  /** Make limits tighter. */
  tightenLimits(body: LimitsBody, options?: RequestOptions): Promise<LimitsResource>;
  /** What the account does now, did today and has spent. */
  readUsage(options?: RequestOptions): Promise<UsageResource>;
  /** All webhooks. */
  listWebhooks(options?: RequestOptions): Promise<PageWebhookResource>;
  /** A new webhook. */
  createWebhook(body: NewWebhook, options?: RequestOptions): Promise<WebhookWithSecret>;
  /** What signs the requests to webhooks of single calls. */
  readCallSecret(options?: RequestOptions): Promise<CallSecretResource>;
  /** One. */
  readWebhook(webhookId: string, options?: RequestOptions): Promise<WebhookResource>;
  /** Change, disable or enable it. */
  changeWebhook(webhookId: string, body: ChangedWebhook, options?: RequestOptions): Promise<WebhookResource>;
  /** Remove it and its log. */
  removeWebhook(webhookId: string, options?: RequestOptions): Promise<void>;
  /** A new secret; the old one signs for another day. */
  rotateSecret(webhookId: string, options?: RequestOptions): Promise<WebhookWithSecret>;
  /** Send an event that never was. */
  testWebhook(webhookId: string, options?: RequestOptions): Promise<TestResource>;
  /** What was sent to it or is to be, the newest calls first. */
  listDeliveries(webhookId: string, query?: { "state"?: DeliveryState | null; "limit"?: number; "cursor"?: string | null; }, options?: RequestOptions): Promise<PageDeliveryResource>;
  /** Send an event again. */
  replayEvent(webhookId: string, eventId: string, options?: RequestOptions): Promise<ReplayResource>;
  /** Send all events since a time again. */
  replayEvents(webhookId: string, body: ReplayRequest, options?: RequestOptions): Promise<ReplayResource>;
  /** Who changed what of the account, the last first. */
  listAuditEntries(query?: { "limit"?: number; "cursor"?: string | null; }, options?: RequestOptions): Promise<PageAuditResource>;
}
