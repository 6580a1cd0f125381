// @ts-check
// Previews, begins and ends silences and windows with a token typed in: it travels in a header only.

const form = /** @type {HTMLFormElement} */ (document.getElementById("mute"));
const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (document.getElementById(`mute-${name}`));
const result = /** @type {HTMLElement} */ (document.getElementById("mute-result"));

/** @param {string} to @param {object} body */
async function send(to, body) {
  const response = await fetch(to, {
    method: "POST",
    headers: { Authorization: `Bearer ${field("token").value.trim()}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
    credentials: "omit",
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? String(response.status));
  return answer;
}

/** @param {() => Promise<boolean>} act */
async function tell(act) {
  try {
    if (!(await act())) return;
    field("token").value = "";
    result.textContent = form.dataset.done ?? "";
    location.reload();
  } catch (broken) {
    result.textContent = `${form.dataset.failed}${broken instanceof Error ? broken.message : broken}`;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const pressed = /** @type {HTMLButtonElement | null} */ (event.submitter);
  const body = {
    matchers: field("matchers").value.trim().split(/\s+/),
    for: field("for").value.trim(),
    comment: field("comment").value,
  };
  void tell(async () => {
    if (pressed?.value !== "preview") {
      await send(`/api/v1/${field("sort").value}`, body);
      return true;
    }
    const found = await send(`/api/v1/${field("sort").value}/preview`, body);
    result.textContent = (form.dataset.would ?? "")
      .replace("{incidents}", String(found.incident_count))
      .replace("{units}", String(found.unit_count))
      .replace("{notices}", String(found.pending_notices));
    return false;
  });
});
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-end]"))) {
  button.addEventListener("click", () => {
    if (!field("token").value) {
      field("token").focus();
      return;
    }
    void tell(async () => {
      await send(button.dataset.end ?? "", {});
      return true;
    });
  });
  button.hidden = false;
}
form.hidden = false;
