"""What callers are told: the spoken prompts by language, heard in the browser, replaced by recordings, and put back."""

from starlette.responses import Response

from ringbridge.call.errors import InvalidOption
from ringbridge.call.model import Prompt
from ringbridge.call.prompt import MOST_PROMPT_OCTETS, SPOKEN
from ringbridge.call.user import Right
from ringbridge.portal.language import marked
from ringbridge.portal.page import action, page
from ringbridge.portal.view import View

WORDS: dict[Prompt, tuple[str, str]] = {
    Prompt.HOLD: (marked("Please hold"), marked("While the destination is called, before it rings.")),
    Prompt.CONFIRM: (
        marked("Press 1 to be connected"),
        marked("To whoever answers the user's phone, on lines that ask. It is repeated."),
    ),
    Prompt.BUSY: (marked("The line is busy"), marked("The destination is busy.")),
    Prompt.NO_ANSWER: (marked("No answer"), marked("The destination did not answer in time.")),
    Prompt.DECLINED: (marked("Call declined"), marked("The destination does not want the call.")),
    Prompt.NOT_REACHABLE: (
        marked("Not reachable"),
        marked("The destination is switched off or out of reach."),
    ),
    Prompt.INVALID_NUMBER: (marked("Wrong number"), marked("Nobody has the number that was called.")),
    Prompt.FAILED: (marked("Call failed"), marked("Any other reason.")),
}

FAULTS = {
    "not_wave": marked("This is not a WAVE file. Save the recording as WAV; MP3 and others cannot be read."),
    "broken_wave": marked("This file is damaged: what a WAVE file begins with is not whole."),
    "unsupported_wave": marked(
        "This kind of WAVE file cannot be read. Save it as PCM with 16 bits, at 8 to 96 kHz."
    ),
    "empty_sound": marked("There is no sound in this file."),
    "sound_too_long": marked("A prompt has at most 20 seconds."),
    "not_written": marked("The server cannot write to its folder. Its log says why."),
}


# Languages without prompts that somebody may begin to record, besides those that calls were asked for in.
OFFERED = frozenset(
    [
        "ar",
        "ca",
        "cs",
        "da",
        "el",
        "fi",
        "he",
        "hi",
        "hr",
        "hu",
        "id",
        "ja",
        "ko",
        "ms",
        "nb",
        "nl",
        "pl",
        "ro",
        "ru",
        "sk",
        "sv",
        "th",
        "tr",
        "uk",
        "vi",
        "zh",
    ]
)


async def show_prompts(view: View) -> Response:
    asked = view.request.query_params.get("language", "").strip().lower() or view.account.language
    return await _page(view, asked.partition("-")[0])


async def play(view: View) -> Response:
    name, language = _place(view)
    data = await view.services.prompts.recording(name, language)
    # It may be replaced at any time, and is heard right after that.
    return Response(data, media_type="audio/wav", headers={"cache-control": "no-store"})


async def replace(view: View) -> Response:
    name, language = _place(view)
    form = await view.form(most_octets=MOST_PROMPT_OCTETS + 10_000)
    file = form.file("file")
    data = b"" if file is None else await file.read()
    try:
        seconds = await view.services.prompts.replace(view.caller, name, language, data)
    except InvalidOption as error:
        return await _page(view, language, name, view.fault(error.code, FAULTS))
    flash = view.text(
        "The prompt is replaced: {seconds} seconds, from the next call on.", seconds=f"{seconds:.1f}"
    )
    return view.go(f"/prompts?language={language}", flash=flash)


async def restore(view: View) -> Response:
    name, language = _place(view)
    await view.services.prompts.restore(view.caller, name, language)
    flash = view.text("The prompt that comes with the program is played again.")
    return view.go(f"/prompts?language={language}", flash=flash)


async def _page(view: View, language: str, faulty: str = "", fault: str = "") -> Response:
    shown = await view.services.prompts.of_language(language)
    names = view.language.locale.languages
    codes = {*(await view.services.prompts.languages()), language}
    if view.may(Right.CHANGE_PROMPTS):
        codes |= OFFERED
    return view.page(
        "prompts/prompts.html",
        status=400 if fault else 200,
        prompt_language=language,
        prompt_languages=sorted(((code, names.get(code, code)) for code in codes), key=lambda one: one[1]),
        language_name=names.get(language, language),
        rows=[(prompt, *WORDS[prompt], shown.prompts.get(prompt)) for prompt in SPOKEN],
        faulty=faulty,
        fault=fault,
    )


def _place(view: View) -> tuple[str, str]:
    parameters = view.request.path_params
    return parameters["name"], parameters["language"]


ROUTES = [
    page("/prompts", show_prompts, Right.SEE_PROMPTS),
    page("/prompts/{language}/{name}/sound", play, Right.SEE_PROMPTS),
    action("/prompts/{language}/{name}", replace, Right.CHANGE_PROMPTS),
    action("/prompts/{language}/{name}/restore", restore, Right.CHANGE_PROMPTS),
]
