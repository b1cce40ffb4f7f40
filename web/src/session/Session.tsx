import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { answered, connect } from "../api/client";
import { problemIn } from "../api/problems";
import { Loading, Notice, ProblemAlert } from "../components/states";
import type { Config } from "../config";
import { texts } from "../texts";
import { ServiceContext } from "./service";
import type { SignIn } from "./signIn";
import { store } from "./store";

interface Props {
  config: Config;
  signIn: SignIn;
  /** Whether a sign-in just now came to nothing. */
  failed: boolean;
  children: ReactNode;
}

/** Shows its children to whoever is signed in and has a role, and the way there to everybody else. */
export function Session({ config, signIn, failed, children }: Props) {
  const [signedIn, setSignedIn] = useState(() => store.tokens() !== null);
  const api = useMemo(
    () =>
      connect(config.api, signIn, () => {
        store.forget();
        setSignedIn(false);
      }),
    [config, signIn],
  );
  return signedIn ? (
    <Known api={api} signIn={signIn}>
      {children}
    </Known>
  ) : (
    <Welcome signIn={signIn} failed={failed} />
  );
}

function Known({
  api,
  signIn,
  children,
}: {
  api: ReturnType<typeof connect>;
  signIn: SignIn;
  children: ReactNode;
}) {
  const me = useQuery({ queryKey: ["me"], staleTime: Infinity, queryFn: () => answered(api.GET("/v1/me")) });
  const all = useQuery({
    queryKey: ["organizations"],
    queryFn: () => answered(api.GET("/v1/organizations")),
  });
  const [chosen, choose] = useState(() => store.organization());
  if (me.error ?? all.error)
    return (
      <Refused
        signIn={signIn}
        error={me.error ?? all.error}
        again={() => void Promise.all([me.refetch(), all.refetch()])}
      />
    );
  if (!me.data || !all.data) return <Loading />;
  const organizations = all.data.items;
  const known =
    organizations.find((one) => one.id === (me.data.organization_id ?? chosen)) ?? organizations[0];
  const service = {
    api,
    signIn,
    me: me.data,
    organizations,
    organizationId: known?.id ?? "",
    choose: (id: string) => {
      store.keepOrganization(id);
      choose(id);
    },
  };
  return <ServiceContext value={service}>{children}</ServiceContext>;
}

function Refused({ signIn, error, again }: { signIn: SignIn; error: unknown; again: () => void }) {
  const leave = async () => window.location.assign(await signIn.end());
  return (
    <Middle>
      {problemIn(error).code === "no-role" ? (
        <Notice title={texts.session.noRole} text={texts.session.noRoleDetail} />
      ) : (
        <ProblemAlert error={error} again={again} />
      )}
      <Button onClick={() => void leave()}>{texts.session.signOut}</Button>
    </Middle>
  );
}

function Welcome({ signIn, failed }: { signIn: SignIn; failed: boolean }) {
  const [leaving, setLeaving] = useState(false);
  const leave = async () => {
    setLeaving(true);
    window.location.assign(await signIn.begin(window.location.pathname + window.location.search));
  };
  return (
    <Middle>
      {failed && <Notice title={texts.session.failed} text={texts.session.failedDetail} />}
      <Container>
        <SpaceBetween size="l" alignItems="center">
          <Box variant="p" textAlign="center">
            {texts.session.signInLead}
          </Box>
          <Button variant="primary" loading={leaving} onClick={() => void leave()}>
            {texts.session.signIn}
          </Button>
        </SpaceBetween>
      </Container>
    </Middle>
  );
}

/** A narrow column under the product's name, in the middle of an otherwise empty page. */
export function Middle({ children }: { children: ReactNode }) {
  return (
    <main className="middle">
      <SpaceBetween size="l">
        <Box variant="h1" textAlign="center">
          {texts.product}
        </Box>
        {children}
      </SpaceBetween>
    </main>
  );
}
