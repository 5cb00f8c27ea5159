// Tells the server that a reviewer opened the summary of the case, so that its effect on answers can be measured.
for (const details of document.querySelectorAll("details[data-summary]")) {
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    const body = new URLSearchParams({ csrf: details.dataset.csrf });
    fetch(details.dataset.summary, { method: "POST", body, keepalive: true }).catch(() => {});
  }, { once: true });
}
