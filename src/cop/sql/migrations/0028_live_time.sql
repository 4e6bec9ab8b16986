-- Within a transaction the exercise's running clock never goes back, though its teller corrects it meanwhile.
-- depends: 0027_feed_truth

-- As in 0024; what a row was stamped with is the earliest that the transaction is numbered at.
CREATE OR REPLACE FUNCTION cop.scenario_at() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    told_ text := nullif(current_setting('cop.scenario_at', true), '');
    now_ timestamptz;
BEGIN
    IF told_ IS DISTINCT FROM 'live' THEN
        RETURN told_::timestamptz;
    END IF;
    IF cop.running_clock() IS NULL THEN
        RETURN NULL;
    END IF;
    now_ := greatest(cop.exercise_now(), nullif(current_setting('cop.live_seen', true), '')::timestamptz);
    PERFORM set_config('cop.live_seen', now_::text, true);
    RETURN now_;
END
$$;
