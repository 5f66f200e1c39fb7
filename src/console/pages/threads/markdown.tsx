import createPurifier from "dompurify";
import { Marked } from "marked";
import { useLayoutEffect, useRef } from "react";

const TAGS = [
  ...["p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "input"],
  ...["h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"],
];
/** Headings of a message stand below those of the page. */
const marked = new Marked({ gfm: true, breaks: true });
marked.use({
  renderer: {
    // Nothing is loaded from other hosts: an image is its address.
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
    html: ({ text }) => escaped(text),
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

const purifier = createPurifier(window);
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") showHost(node);
});

/** Text of others as formatted text. Nothing in it runs, is loaded, or takes style; links show their host. */
export function Markdown({ text }: { text: string }) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const html = marked.parse(text, { async: false });
    const fragment = purifier.sanitize(html, {
      ...{ ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ["href", "start"], ALLOWED_URI_REGEXP: /^(https?|mailto):/i },
      ...{ ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true },
    });
    place.current?.replaceChildren(fragment);
  }, [text]);
  return <div ref={place} className="prose" dir="auto" />;
}

/** Opens elsewhere, tells nothing of this page, and names its host where its words do not. */
function showHost(link: Element): void {
  const url = link.getAttribute("href");
  if (!url) return;
  link.setAttribute("rel", "noopener noreferrer nofollow");
  link.setAttribute("target", "_blank");
  const host = URL.canParse(url) ? new URL(url).host || url : url;
  if (link.textContent?.trim() === url) return;
  const shown = document.createElement("small");
  shown.textContent = ` (${host})`;
  link.append(shown);
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
