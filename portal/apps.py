from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        """Connect and register what needs the models, which are not there before this moment."""
        from portal import checks  # noqa: F401, PLC0415
        from portal.identity.listening import listen  # noqa: PLC0415

        listen()
