"""Transfers of pension rights (养老关系转移): three legs, what a platform's rows mean, their words."""
