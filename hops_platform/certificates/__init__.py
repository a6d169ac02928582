"""Certificates of project-users and services, made by the platform's own authority."""
