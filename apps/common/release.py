"""The release of Harbor whose API this is; clients compare it before they use newer operations."""

HARBOR_RELEASE = "v2.16.0"
