"""`openlake bundle`: how a checked bundle gets into the workspace, and out of it again."""
