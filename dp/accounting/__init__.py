"""Records of spends, their composition, and conversion to statements about attacks."""
