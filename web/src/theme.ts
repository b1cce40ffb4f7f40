import { applyMode, Mode } from "@cloudscape-design/global-styles";

export type Appearance = "system" | "light" | "dark";

const system = window.matchMedia("(prefers-color-scheme: dark)");
let chosen: Appearance = "system";

/** Show the pages light, dark, or as the system is, until they are loaded anew. */
export function show(appearance: Appearance) {
  chosen = appearance;
  const dark = chosen === "dark" || (chosen === "system" && system.matches);
  applyMode(dark ? Mode.Dark : Mode.Light);
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
}

system.addEventListener("change", () => show(chosen));
