import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import { SftpSettings } from "../../components/SftpSettings";
import { texts } from "../../texts";
import type { Draft } from "./draft";

/** The last step: what the SFTP client must be told. */
export function Finish({ draft: { fileAccount } }: { draft: Draft }) {
  if (!fileAccount) return null;
  return (
    <Container header={<Header variant="h2">{texts.fileAccounts.settings}</Header>}>
      <SftpSettings
        account={fileAccount}
        password={"password" in fileAccount ? (fileAccount.password ?? null) : null}
      />
    </Container>
  );
}
