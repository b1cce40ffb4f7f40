import CloudscapeLink, { type LinkProps } from "@cloudscape-design/components/link";
import { useNavigate } from "react-router";

/** A link to another of these pages, which does not load it anew; with other keys pressed the browser follows it. */
export function Link({ href, ...rest }: LinkProps & { href: string }) {
  const navigate = useNavigate();
  return (
    <CloudscapeLink
      {...rest}
      href={href}
      onFollow={(event) => {
        event.preventDefault();
        void navigate(href);
      }}
    />
  );
}
