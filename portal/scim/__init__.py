"""SCIM 2.0 (RFC 7643, RFC 7644) at /scim/v2: directories provision people and groups.

`views` answer, `resources` are what is sent and taken, `filters` makes SQL of a filter, `patching`
reads what Entra ID and Okta really send; `people` and `groups` are the services that write.
"""
