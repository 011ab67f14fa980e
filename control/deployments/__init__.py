"""What bundles have put into a workspace, and who is deploying."""
