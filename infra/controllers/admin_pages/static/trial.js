// Shows the answer of a trial call as it arrives, then its ledger line. Without this file the form loads a page instead.
"use strict";
const LINES = "application/x-ndjson";
const form = document.querySelector("form[data-stream]");
const panel = document.getElementById("answer");

function made(className, text) {
  const element = document.createElement("div");
  element.className = className;
  element.textContent = text;
  return element;
}

async function send() {
  const fields = new URLSearchParams(new FormData(form));
  const box = made("body stack snug", "");
  const answer = made("answer", "");
  let complete = false;

  function show(line) {
    const { text, page } = JSON.parse(line);
    if (text !== undefined) {
      box.append(answer);
      answer.append(text);
      return;
    }
    complete = true;
    const found = new DOMParser().parseFromString(page, "text/html").getElementById("answer");
    const whole = found.querySelector(".answer");
    if (!answer.isConnected && whole) box.append(whole);
    box.append(...found.querySelectorAll(".facts, .notice"));
  }

  try {
    const response = await fetch(form.action, { method: "POST", body: fields, headers: { accept: LINES } });
    if (!response.headers.get("content-type")?.startsWith(LINES)) {
      form.submit(); // refused before the call, such as after the end of the session: a page says so
      return;
    }
    panel.replaceChildren(panel.querySelector("header"), box);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop();
      lines.forEach(show);
    }
  } catch (error) {
    console.error(error); // the connection was cut: what has arrived stays on the page
  }
  if (!complete) {
    if (!box.isConnected) panel.replaceChildren(panel.querySelector("header"), box);
    box.append(made("notice bad", form.dataset.cut));
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await send();
  } finally {
    button.disabled = false;
  }
});
