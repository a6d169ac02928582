// Asking a security key, on the Hub's log-in page and on the page Security. What goes in and out is WebAuthn's JSON.

const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const textOf = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (keys) => (keys ?? []).map((key) => ({ ...key, id: bytesOf(key.id) }));

/** Whether this browser knows security keys at all, at this address. */
export const knowsKeys = () => window.isSecureContext && "PublicKeyCredential" in window;

/** Why a key did not answer, as a sentence. */
export function whyNot(error) {
  if (error.name === "NotAllowedError" || error.name === "AbortError") return "The key did not answer in time, or this was cancelled.";
  if (error.name === "InvalidStateError") return "This key is registered already.";
  if (error.name === "SecurityError") return "Security keys work only at the site's own address; open it there.";
  return "The browser could not ask the key.";
}

/** A key's answer as JSON; `told` are the parts of its response that it has, or may have. */
function asJson({ id, rawId, type, response }, ...told) {
  const parts = ["clientDataJSON", ...told].map((name) => [name, response[name] ? textOf(response[name]) : null]);
  return { id, rawId: textOf(rawId), type, response: Object.fromEntries(parts) };
}

/** Asks a key that is registered; its answer as JSON. */
export async function askKey(options) {
  const publicKey = { ...options, challenge: bytesOf(options.challenge), allowCredentials: named(options.allowCredentials) };
  return asJson(await navigator.credentials.get({ publicKey }), "authenticatorData", "signature", "userHandle");
}

/** Asks a new key to make what it is known by; its answer as JSON. */
export async function makeKey(options) {
  const publicKey = {
    ...options,
    challenge: bytesOf(options.challenge),
    user: { ...options.user, id: bytesOf(options.user.id) },
    excludeCredentials: named(options.excludeCredentials),
  };
  const made = await navigator.credentials.create({ publicKey });
  const answer = asJson(made, "attestationObject");
  answer.response.transports = made.response.getTransports?.() ?? [];
  return answer;
}
