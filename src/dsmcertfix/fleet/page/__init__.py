"""The fleet's page: one HTML file from one picture."""
