import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { answered, type Schemas } from "../../api/client";
import { useChange, useUsers } from "../../api/queries";
import { Confirm } from "../../components/Confirm";
import { Dialog } from "../../components/Dialog";
import { Empty, Loaded } from "../../components/states";
import { ThingTable } from "../../components/ThingTable";
import { moment } from "../../format";
import { useService } from "../../session/service";
import { texts } from "../../texts";

type User = Schemas["UserView"];

const { settings: words } = texts;
const ALL = "/v1/organizations/{organization_id}/users";

/** Who may sign in; operators invite and remove. */
export function Users() {
  const { me } = useService();
  const users = useUsers();
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<User | null>(null);
  const isOperator = me.role === "operator";
  return (
    <Loaded query={users}>
      {({ items }) => (
        <>
          <ThingTable
            title={words.users}
            lead={words.usersLead}
            items={items}
            actions={isOperator && <Button onClick={() => setInviting(true)}>{words.invite}</Button>}
            empty={<Empty title={words.noUser} />}
            columns={[
              {
                id: "email",
                header: words.email,
                cell: (one) => <span className="long">{one.email}</span>,
                isRowHeader: true,
              },
              { id: "role", header: words.role, cell: (one) => texts.session.roles[one.role] },
              { id: "state", header: words.state, cell: (one) => words.states[one.status] ?? one.status },
              { id: "created", header: texts.created, cell: (one) => moment(one.created_at) },
              ...(isOperator
                ? [
                    {
                      id: "remove",
                      header: texts.actions,
                      cell: (one: User) => (
                        <Button
                          variant="inline-link"
                          ariaLabel={`${words.removeUser} ${one.email}`}
                          onClick={() => setRemoving(one)}
                        >
                          {texts.remove}
                        </Button>
                      ),
                    },
                  ]
                : []),
            ]}
          />
          {inviting && <Invite onClose={() => setInviting(false)} />}
          {removing && <Remove user={removing} onClose={() => setRemoving(null)} />}
        </>
      )}
    </Loaded>
  );
}

function Invite({ onClose }: { onClose: () => void }) {
  const { api, organizationId } = useService();
  const [repeatable] = useState(() => crypto.randomUUID());
  const [email, setEmail] = useState("");
  const [checked, setChecked] = useState(false);
  const params = { path: { organization_id: organizationId }, header: { "Idempotency-Key": repeatable } };
  const invite = useChange(() => answered(api.POST(ALL, { params, body: { email: email.trim() } })), onClose);
  const missing = email.includes("@") ? undefined : words.needEmail;
  return (
    <Dialog
      title={words.invite}
      action={words.invite}
      onAction={() => {
        setChecked(true);
        if (!missing) invite.mutate(undefined);
      }}
      onClose={onClose}
      busy={invite.isPending}
      error={invite.error}
    >
      <FormField label={words.email} constraintText={words.emailHelp} errorText={checked && missing}>
        <Input
          type="email"
          value={email}
          onChange={({ detail }) => setEmail(detail.value)}
          autoFocus
          autoComplete={false}
        />
      </FormField>
    </Dialog>
  );
}

function Remove({ user, onClose }: { user: User; onClose: () => void }) {
  const { api, organizationId } = useService();
  const params = { path: { organization_id: organizationId, user_id: user.id } };
  return (
    <Confirm
      title={words.removeUser}
      action={words.removeUser}
      run={() => answered(api.DELETE(`${ALL}/{user_id}`, { params }))}
      onDone={onClose}
      onClose={onClose}
    >
      {words.removeUserText(user.email)}
    </Confirm>
  );
}
