import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import { texts } from "../texts";

/** A text with a button that copies it. */
export function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <span className="long">
      <CopyToClipboard
        variant="inline"
        textToCopy={text}
        copyButtonAriaLabel={`${texts.copy}: ${label}`}
        copySuccessText={texts.copied}
        copyErrorText={texts.notCopied}
      />
    </span>
  );
}
