import { Link } from "../components/Link";
import { Page } from "../components/Page";
import { Notice } from "../components/states";
import { texts } from "../texts";

/** An address that is no page. */
export default function Missing() {
  return (
    <Page title={texts.product}>
      <Notice title={texts.problem.missing} text={texts.problem.missingDetail}>
        <Link href="/">{texts.problem.toStart}</Link>
      </Notice>
    </Page>
  );
}
