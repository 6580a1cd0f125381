// @ts-check
// Acknowledges an incident with a token typed in: it travels in a header only and is forgotten at once.

const form = /** @type {HTMLFormElement} */ (document.getElementById("ack"));
const token = /** @type {HTMLInputElement} */ (document.getElementById("ack-token"));
const note = /** @type {HTMLInputElement} */ (document.getElementById("ack-note"));
const result = /** @type {HTMLElement} */ (document.getElementById("ack-result"));

const party = /** @type {HTMLSelectElement | null} */ (document.getElementById("ack-party"));

/** @param {string} presented @param {string} text */
async function send(presented, text) {
  const response = await fetch(form.dataset.to ?? "", {
    method: "POST",
    headers: { Authorization: `Bearer ${presented}`, "Content-Type": "application/json" },
    body: JSON.stringify(party ? { note: text, party: party.value } : { note: text }),
    credentials: "omit",
  });
  if (response.ok) return "";
  const problem = await response.json().catch(() => ({}));
  return problem.detail ?? String(response.status);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const presented = token.value.trim();
  token.value = "";
  const failure = await send(presented, note.value).catch((broken) => String(broken));
  result.textContent = failure ? `${form.dataset.failed}${failure}` : (form.dataset.done ?? "");
  if (!failure) location.reload();
});
form.hidden = false;
