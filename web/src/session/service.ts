import { createContext, useContext } from "react";
import type { Api, Schemas } from "../api/client";
import type { SignIn } from "./signIn";

/** Who is signed in, in which organization they work, and how the service is reached. */
export interface Service {
  api: Api;
  signIn: SignIn;
  me: Schemas["MeView"];
  organizationId: string;
  /** An operator's are all, an administrator's is one. */
  organizations: Schemas["OrganizationView"][];
  choose: (organizationId: string) => void;
}

export const ServiceContext = createContext<Service | null>(null);

/** Return the service of the signed-in user; only below a Session. */
export function useService(): Service {
  const service = useContext(ServiceContext);
  if (!service) throw new Error("there is no session here");
  return service;
}
