"""Writes: uploads and blobs, manifests, tags, repositories, copies."""
