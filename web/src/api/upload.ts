import { texts } from "../texts";
import type { Schemas } from "./client";
import { ProblemError } from "./problems";

const refused = () =>
  new ProblemError({
    status: 0,
    code: "upload-failed",
    ...texts.problems["upload-failed"],
    fields: [],
    flows: [],
  });

/** Post a file to the form that the service made for it; ``onShare`` hears how much of it is there, up to 1. */
export function post(
  { url, fields }: Schemas["UploadFormView"],
  file: File,
  onShare: (share: number) => void,
): Promise<void> {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  body.append("file", file); // last, since S3 reads no field after it
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
    request.upload.addEventListener("progress", ({ loaded, total }) => onShare(total ? loaded / total : 0));
    request.addEventListener("load", () => (request.status < 300 ? done() : failed(refused())));
    request.addEventListener("error", () => failed(refused()));
    request.open("POST", url);
    request.send(body);
  });
}
