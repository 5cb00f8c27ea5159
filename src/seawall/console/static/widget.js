// Opens Seawall's public forms in a dialog on a page of the product. A link works without it:
//   <a href="https://seawall.example/report?content_type=comment&id=c-12" data-seawall>Report</a>
//   <a href="https://seawall.example/appeal/dec_….…" data-seawall-appeal="https://seawall.example/appeal/dec_….…">Why?</a>
//   <script src="https://seawall.example/static/widget.js" async></script>
// It sets no cookie, reads nothing of the page but such links, and styles through the CSSOM, which every
// Content-Security-Policy allows. The page's policy needs script-src and frame-src for Seawall's origin.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script) return; // a module or a copy: the links go on working as links
  const origin = new URL(script.src).origin;
  const german = /^de(-|$)/i.test(document.documentElement.lang); // the page's language; its own words go first
  const [close, title, appeal] = german
    ? ["Schließen", "Inhalt melden", "Entscheidung und Beschwerde"]
    : ["Close", "Report content", "A decision and your appeal"];
  const words = {
    close: script.dataset.close || close, report: script.dataset.title || title, appeal: script.dataset.appealTitle || appeal,
  };

  const styled = (element, style) => {
    for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
    return element;
  };

  const open = (address, title) => {
    const dialog = styled(document.createElement("dialog"), {
      width: "min(680px, 100vw)", height: "min(860px, 100dvh)", "max-width": "100vw", "max-height": "100dvh",
      padding: "0", border: "0", "border-radius": "10px", overflow: "hidden", background: "Canvas", color: "CanvasText",
    });
    dialog.setAttribute("aria-label", title);
    const close = styled(document.createElement("button"), {
      display: "block", "margin-inline-start": "auto", "min-height": "44px", padding: "0 18px", border: "0",
      background: "transparent", color: "inherit", font: "inherit", cursor: "pointer",
    });
    close.type = "button";
    close.textContent = words.close;
    close.addEventListener("click", () => dialog.close());
    const frame = styled(document.createElement("iframe"), {
      display: "block", width: "100%", height: "calc(100% - 44px)", border: "0",
    });
    frame.title = title;
    frame.referrerPolicy = "no-referrer";
    frame.src = address;
    dialog.append(close, frame);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };

  document.addEventListener("click", (event) => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a[data-seawall], [data-seawall-appeal]") : null;
    if (!plain || event.defaultPrevented || !link) return;
    const given = link.dataset.seawallAppeal || link.href; // a button has no link of its own
    const address = given && URL.canParse(given, document.baseURI) ? new URL(given, document.baseURI) : null;
    const page = address && address.origin === origin ? /^\/(report|appeal)(\/|$)/.exec(address.pathname) : null;
    if (!page) return;
    event.preventDefault();
    open(address.href, words[page[1]]);
  });
})();
