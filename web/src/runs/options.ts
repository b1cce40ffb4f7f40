import type { Schemas } from "../api/client";

export type Options = Schemas["ConversionOptions"];
type Template = Schemas["FlowView"]["template"];

export const LISTS = ["terms", "schools", "grades", "staff_roles"] as const;
export type List = (typeof LISTS)[number];

/** What may be chosen of the options that are a choice; ``auto`` leaves ``repair`` to the template. */
export const CHOICES = {
  profile: ["lenient", "strict"],
  repair: ["auto", "yes", "no"],
  disabled_users: ["keep", "drop"],
  ended: ["keep", "drop"],
  names: ["legal", "preferred"],
  password_policy: ["", "4", "6", "8"],
  empty_classes: ["keep", "drop"],
  course_location: ["split", "district"],
  id_policy: ["keep", "map"],
  null_words: ["empty", "keep"],
} as const;
export type Choice = keyof typeof CHOICES;
export type Field = Choice | List | "max_dropped";

// In the order in which they are shown; Apple's own format is sent as it is, so that little is left to choose
const FIELDS: Record<Template, readonly Field[]> = {
  "oneroster-csv": [
    "profile",
    "repair",
    "max_dropped",
    "disabled_users",
    "ended",
    "terms",
    "schools",
    "grades",
    "staff_roles",
    "names",
    "password_policy",
    "empty_classes",
    "course_location",
    "id_policy",
    "null_words",
  ],
  "asm-csv": ["repair", "max_dropped"],
};

export const fieldsOf = (template: Template) => FIELDS[template];

/** Return an option's value as one of its choices. */
export function toChoice(value: string | boolean | null | undefined): string {
  if (value === null || value === undefined) return "auto";
  return typeof value === "boolean" ? (value ? "yes" : "no") : value;
}

/** Return the value that a choice stands for. */
export function fromChoice(field: Choice, choice: string): string | boolean | null {
  if (field !== "repair") return choice;
  return choice === "auto" ? null : choice === "yes";
}
