"""Whether a connector's failure may pass by itself, so that trying again makes sense. Pure."""

import re

# What connectors say, and the libraries that they are made of, when nobody answers or the
# other side is too busy. Read only where the connector itself gives no kind of failure.
_PASSING = re.compile(
    r"connection (?:was |has been )?(?:refused|reset|aborted|closed|timed out)"
    r"|ECONN(?:REFUSED|RESET|ABORTED)|ETIMEDOUT|EAI_AGAIN"
    r"|(?:read|connect(?:ion)?|gateway) ?time-?d? ?out"
    r"|temporary failure in name resolution|network is unreachable"
    r"|remote end closed connection|broken pipe"
    r"|too many requests|bad gateway|service unavailable"
    r"|\b(?:HTTP|status(?: code)?|error|code)\W{0,3}(?:429|50[0234])\b"
    r"|\b(?:429|50[0234]) (?:client|server) error",
    re.IGNORECASE,
)


def may_pass(said: str, failure_type: str | None = None) -> bool:
    """Whether the same again may do better.

    Args:
        said: the connector's words for the failure.
        failure_type: Airbyte's own: ``transient_error``, ``config_error``, ``system_error``;
            the last is what connectors say of anything that they did not expect.
    """
    if failure_type in ("transient_error", "config_error"):
        return failure_type == "transient_error"
    return bool(_PASSING.search(said))
