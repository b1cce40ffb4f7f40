import { createHash } from "node:crypto";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

// The preview obeys the policy that the pages are served with, so that a break is seen before a deployment
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self' http://127.0.0.1:*",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
const FONT = /url\(["']?data:font\/woff2;base64,([^)"']+)["']?\)/g;

/** Make files of the fonts that Cloudscape's styles hold as data: addresses, which the policy refuses. */
const fontFiles = (): Plugin => ({
  name: "font-files",
  generateBundle(_, bundle) {
    for (const asset of Object.values(bundle)) {
      if (asset.type !== "asset" || !asset.fileName.endsWith(".css")) continue;
      asset.source = String(asset.source).replace(FONT, (_url, text: string) => {
        const source = Buffer.from(text, "base64");
        const name = `font-${createHash("sha256").update(source).digest("hex").slice(0, 8)}.woff2`;
        this.emitFile({ type: "asset", fileName: `assets/${name}`, source });
        return `url(${name})`;
      });
    }
  },
});

export default defineConfig({
  plugins: [react(), fontFiles()],
  build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 1200 },
  preview: { host: "127.0.0.1", headers: { "Content-Security-Policy": POLICY } },
  server: { host: "127.0.0.1" },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    server: { deps: { inline: [/@cloudscape-design/] } },
  },
});
