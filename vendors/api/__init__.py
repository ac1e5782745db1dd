"""The REST API of the register: vendors, services, agreements, assurance reports, facts."""
