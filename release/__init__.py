"""What a release is checked for and comes with: pinned packages, licences, a bill of materials."""
