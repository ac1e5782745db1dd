"""Who works at Alder Grove Health, the invented company of the demonstration."""

PEOPLE = {
    "officer@example.com": ("Olivia Hart", "Compliance officer"),
    "officer2@example.com": ("Omar Delgado", "Compliance officer"),
    "engineer@example.com": ("Emil Novak", "Engineer"),
    "engineer2@example.com": ("Esther Okafor", "Engineer"),
    "auditor@example.com": ("Aisha Rahman", "Auditor"),
    "viewer@example.com": ("Victor Lind", "Viewer"),
    "admin@example.com": ("Ada Brooks", "Administrator"),
}
