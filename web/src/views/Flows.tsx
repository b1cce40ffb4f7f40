import Button from "@cloudscape-design/components/button";
import { useNavigate } from "react-router";
import { useAsmAccounts, useFileAccounts, useFlows } from "../api/queries";
import { Link } from "../components/Link";
import { OnOff } from "../components/OnOff";
import { ThingsPage } from "../components/ThingsPage";
import { moment } from "../format";
import { texts } from "../texts";

const { flows: words } = texts;

/** The organization's flows. */
export default function Flows() {
  const flows = useFlows();
  const fileAccounts = useFileAccounts().data?.items;
  const asmAccounts = useAsmAccounts().data?.items;
  const navigate = useNavigate();
  return (
    <ThingsPage
      words={words}
      query={flows}
      create={
        <Button variant="primary" onClick={() => void navigate("/")}>
          {words.create}
        </Button>
      }
      columns={[
        {
          id: "name",
          header: texts.name,
          cell: (one) => <Link href={`/flows/${one.id}`}>{one.name}</Link>,
          sortingField: "name",
          isRowHeader: true,
        },
        {
          id: "template",
          header: words.template,
          cell: (one) => words.kinds[one.template],
          sortingField: "template",
        },
        {
          id: "from",
          header: texts.fileAccounts.one,
          cell: (one) => (
            <Link href={`/file-accounts/${one.file_account_id}`}>
              {fileAccounts?.find(({ id }) => id === one.file_account_id)?.username ?? one.file_account_id}
            </Link>
          ),
        },
        {
          id: "to",
          header: texts.asmAccounts.one,
          cell: (one) => (
            <Link href={`/asm-accounts/${one.asm_account_id}`}>
              {asmAccounts?.find(({ id }) => id === one.asm_account_id)?.name ?? one.asm_account_id}
            </Link>
          ),
        },
        { id: "state", header: words.state, cell: (one) => <OnOff on={one.enabled} /> },
        {
          id: "runs",
          header: texts.history.title,
          cell: (one) => (
            <Link href={`/runs?flow=${one.id}&project=${one.project_id}`}>{texts.history.title}</Link>
          ),
        },
        {
          id: "created",
          header: texts.created,
          cell: (one) => moment(one.created_at),
          sortingField: "created_at",
        },
      ]}
    />
  );
}
