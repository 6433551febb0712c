"""What messages say: plain Swedish out of the catalogue of texts, no personal data, nothing beyond the event."""
