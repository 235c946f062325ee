// Passkeys: asks the server what is wanted, the browser for a passkey, and sends the answer with the form.
// A form with data-passkey says which of the two it is for, "get" or "create", and has its sentences as data attributes.
(() => {
  // The server takes no answer after five minutes.
  const OFFER_MILLISECONDS = 4 * 60 * 1000;

  const octets = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
  const base64url = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  const decoded = (options) => {
    const known = (list) => list?.map((each) => ({ ...each, id: octets(each.id) }));
    const result = { ...options, challenge: octets(options.challenge) };
    if (options.user) result.user = { ...options.user, id: octets(options.user.id) };
    if (options.allowCredentials) result.allowCredentials = known(options.allowCredentials);
    if (options.excludeCredentials) result.excludeCredentials = known(options.excludeCredentials);
    return result;
  };

  // By hand: extensions that keep passkeys do not always have the browsers' own way to JSON.
  const encoded = ({ id, rawId, type, response }) => {
    const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const given = parts.filter((name) => response[name]).map((name) => [name, base64url(response[name])]);
    return JSON.stringify({ id, rawId: base64url(rawId), type, response: Object.fromEntries(given) });
  };

  const wanted = async (form) => {
    const answer = await fetch(form.dataset.options, { cache: "no-store" });
    // The session is over, or no longer fresh: the page itself leads to where that is mended.
    if (answer.redirected) location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const { origin, options } = await answer.json();
    if (origin !== location.origin) throw Object.assign(new Error(origin), { name: "Elsewhere" });
    return decoded(options);
  };

  const send = (form, credential) => {
    form.elements.answer.value = encoded(credential);
    form.submit();
  };

  const complain = (form, error) => {
    const { again, elsewhere, failed, refused } = form.dataset;
    const sentences = { Elsewhere: elsewhere, InvalidStateError: again, NotAllowedError: refused };
    const notice = form.querySelector("[role=alert]");
    notice.textContent = sentences[error.name] ?? failed;
    notice.hidden = false;
    console.info("passkey:", error);
  };

  // Offered among the names that the browser knows for the form above, for as long as the page is open.
  const offer = async (form, stopping) => {
    while (!stopping.aborted) {
      const tooOld = new AbortController();
      const timer = setTimeout(() => tooOld.abort(), OFFER_MILLISECONDS);
      stopping.addEventListener("abort", () => tooOld.abort(), { once: true });
      try {
        const publicKey = await wanted(form);
        send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal: tooOld.signal }));
        return;
      } catch (error) {
        if (error.name !== "AbortError") return;
      } finally {
        clearTimeout(timer);
      }
    }
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) {
      complain(form, new Error("no passkeys"));
      form.querySelector("button").disabled = true;
      continue;
    }
    const stopping = new AbortController();
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      // A browser does one of these at a time.
      stopping.abort();
      form.querySelector("[role=alert]").hidden = true;
      try {
        const publicKey = await wanted(form);
        send(form, await navigator.credentials[form.dataset.passkey]({ publicKey }));
      } catch (error) {
        complain(form, error);
      }
    });
    if ("offered" in form.dataset) {
      const isOffered = PublicKeyCredential.isConditionalMediationAvailable?.();
      Promise.resolve(isOffered).then((yes) => yes && offer(form, stopping.signal));
    }
  }
})();
