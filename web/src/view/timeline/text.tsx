import type { VNode } from "preact";

import { blocksOf, type Piece, type Reader } from "../markup.ts";

/** A message's text, as text nodes only; each part of it stands in the direction of its own letters. */
export function Text({ text, reader }: { text: string; reader: Reader }): VNode {
  return (
    <>
      {blocksOf(text, reader).map((block) =>
        block.type === "code" ? (
          <pre class="code" dir="ltr">
            <code>{block.text}</code>
          </pre>
        ) : (
          <p class="words" dir="auto">
            {block.pieces.map(piece)}
          </p>
        ),
      )}
    </>
  );
}

function piece({ ink, text }: Piece): VNode | string {
  switch (ink) {
    case "text":
      return text;
    case "strong":
      return <strong>{text}</strong>;
    case "emphasis":
      return <em>{text}</em>;
    case "code":
      return <code class="code">{text}</code>;
    case "mention":
      return <span class="mention">{text}</span>;
    case "mentioned":
      return <mark class="mention">{text}</mark>;
    case "link":
      // No other page learns where its reader came from, or gets hold of this one.
      return (
        <a href={text} target="_blank" rel="noopener noreferrer" tabIndex={-1} dir="ltr">
          {text}
        </a>
      );
  }
}
