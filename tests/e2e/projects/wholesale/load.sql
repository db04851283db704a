-- What the loaders of the two systems leave in the warehouse; nothing of it is dbt's.
CREATE SCHEMA erp_dump;
CREATE TABLE erp_dump.artikel AS SELECT range AS artnr, 'Artikel ' || range AS bezeichnung, 100 + range * 7 AS ek_cent, 150 + range * 11 AS vk_cent FROM range(1, 41);
CREATE TABLE erp_dump.kunde AS SELECT range AS kundennr, ' Kunde' || range || '@Example.com' AS email, 'Kunde ' || range AS name, (1000 * (range % 9 + 1) + range)::VARCHAR AS plz FROM range(1, 101);
CREATE TABLE erp_dump.auftrag AS SELECT range AS auftrnr, range % 100 + 1 AS kundennr, range % 40 + 1 AS artnr, range % 5 + 1 AS menge, TIMESTAMP '2026-01-01 08:00:00' + INTERVAL (range * 3) HOUR AS erfasst_am, range % 17 = 0 AS storniert FROM range(1, 501);
CREATE SCHEMA web_events;
CREATE TABLE web_events.page_views AS SELECT 'v' || range % 80 AS visitor, TIMESTAMP '2025-12-20 10:00:00' + INTERVAL (range * 40) MINUTE AS seen_at, CASE range % 4 WHEN 0 THEN '/campaign/spring' WHEN 1 THEN '/campaign/trade-fair' ELSE '/products/' || range % 40 END AS path FROM range(1, 1001);
CREATE TABLE web_events.signups AS SELECT 'v' || range AS visitor, 'kunde' || range || '@example.com' AS email, TIMESTAMP '2026-01-02' AS signed_up_at FROM range(1, 60);
