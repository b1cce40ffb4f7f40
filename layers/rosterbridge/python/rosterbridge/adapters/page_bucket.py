"""The bucket of the console's pages, which CloudFront reads."""

from __future__ import annotations

from rosterbridge.adapters.clients import client, translated
from rosterbridge.errors import TransientError
from rosterbridge.flows.pages import cache_control, content_type


def read_archive(bucket: str, key: str) -> bytes:
    """Return the archive of the built pages."""
    with translated("s3"):
        content: bytes = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


class PageBucket:
    """Pages by name, with what a browser is told of them."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._client = client("s3")

    def put(self, name: str, content: bytes) -> None:
        """Store a page or a file of the pages."""
        told = {"ContentType": content_type(name), "CacheControl": cache_control(name)}
        with translated("s3"):
            self._client.put_object(Bucket=self._bucket, Key=name, Body=content, **told)

    def clear(self) -> int:
        """Remove everything and return how many files that were; raises TransientError when some of them stay."""
        count = 0
        with translated("s3"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket):
                objects = [{"Key": found["Key"]} for found in page.get("Contents", ())]
                if objects:
                    answer = self._client.delete_objects(
                        Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
                    )
                    if answer.get("Errors"):
                        raise TransientError("aws-unreachable", "s3 has kept some pages")
                count += len(objects)
        return count
